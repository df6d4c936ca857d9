/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network load between two guests, and how long it took by the guest's clock, which under -icount
 * counts instructions of the whole machine.
 *
 *	netload sink PORT			take UDP; every second say how many came; TCP too
 *	netload udp ADDRESS PORT COUNT BYTES	send COUNT datagrams; the last of each WINDOW has to
 *						come back before the next goes, so none is lost
 *	netload tcp ADDRESS PORT MIB		send a stream
 *	netload turn ADDRESS PORT COUNT		COUNT datagrams there and back, one at a time
 *
 * One line each: `netload: WHAT ITEMS NANOSECONDS`.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TURN	'?'			/* first byte of a datagram that wants to come back */
#define WINDOW	64u

static char buffer[1 << 16];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static void say(const char *what, unsigned long items, uint64_t start)
{
	printf("netload: %s %lu %llu\n", what, items, (unsigned long long)(now_ns() - start));
	fflush(stdout);
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	inet_pton(AF_INET, host, &a.sin_addr);
	return a;
}

static int connected(int type, const char *host, const char *port)
{
	struct sockaddr_in a = address(host, port);
	int s = socket(AF_INET, type, 0);

	return s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)) ? -1 : s;
}

static void take_stream(int listener)
{
	int s = accept(listener, NULL, NULL);
	unsigned long bytes = 0;
	uint64_t start = now_ns();
	ssize_t n;

	while ((n = read(s, buffer, sizeof(buffer))) > 0)
		bytes += (unsigned long)n;
	close(s);
	say("stream-bytes", bytes, start);
}

static int sink(const char *port)
{
	struct sockaddr_in a = address("0.0.0.0", port), from;
	int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd fds[2] = { { .fd = udp, .events = POLLIN }, { .fd = tcp, .events = POLLIN } };
	unsigned long got = 0;
	uint64_t start = 0;

	if (bind(udp, (struct sockaddr *)&a, sizeof(a)) ||
	    bind(tcp, (struct sockaddr *)&a, sizeof(a)) || listen(tcp, 4))
		return failed("netload: bind");
	puts("netload: listening");
	fflush(stdout);
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n;

		if (poll(fds, 2, 1000) == 0 && got) {
			say("datagrams", got, start);
			got = 0;
		}
		if (fds[1].revents)
			take_stream(tcp);
		if (!fds[0].revents)
			continue;
		n = recvfrom(udp, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &size);
		start = got++ ? start : now_ns();
		if (n > 0 && buffer[0] == TURN)
			sendto(udp, buffer, (size_t)n, 0, (struct sockaddr *)&from, size);
	}
}

static int udp(char **argv)
{
	int s = connected(SOCK_DGRAM, argv[2], argv[3]);
	unsigned long count = strtoul(argv[4], NULL, 10), bytes = strtoul(argv[5], NULL, 10);
	uint64_t start = now_ns();

	struct timeval most = { .tv_sec = 5 };

	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)))
		return failed("netload: connect");
	for (unsigned long i = 1; i <= count; i++) {
		buffer[0] = i % WINDOW ? 0 : TURN;
		if (send(s, buffer, bytes, 0) < 0)
			return failed("netload: send");
		if (i % WINDOW == 0 && recv(s, buffer, sizeof(buffer), 0) < 0)
			return failed("netload: the last of a window did not come back");
	}
	say("udp-sent", count, start);
	return 0;
}

static int tcp(char **argv)
{
	int s = connected(SOCK_STREAM, argv[2], argv[3]);
	unsigned long left = strtoul(argv[4], NULL, 10) << 20, all = left;
	uint64_t start = now_ns();

	if (s < 0)
		return failed("netload: connect");
	while (left) {
		ssize_t n = write(s, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

		if (n < 0)
			return failed("netload: write");
		left -= (unsigned long)n;
	}
	shutdown(s, SHUT_WR);
	while (read(s, buffer, sizeof(buffer)) > 0)
		;
	say("tcp-bytes", all, start);
	return 0;
}

static int turn(char **argv)
{
	int s = connected(SOCK_DGRAM, argv[2], argv[3]);
	unsigned long count = strtoul(argv[4], NULL, 10);
	uint64_t start = now_ns();

	if (s < 0)
		return failed("netload: connect");
	buffer[0] = TURN;
	for (unsigned long i = 0; i < count; i++)
		if (send(s, buffer, 56, 0) < 0 || recv(s, buffer, sizeof(buffer), 0) < 0)
			return failed("netload: turn");
	say("turns", count, start);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "sink"))
		return sink(argv[2]);
	if (argc == 6 && !strcmp(argv[1], "udp"))
		return udp(argv);
	if (argc == 5 && !strcmp(argv[1], "tcp"))
		return tcp(argv);
	if (argc == 5 && !strcmp(argv[1], "turn"))
		return turn(argv);
	fputs("usage: netload sink|udp|tcp|turn ...\n", stderr);
	return 2;
}
