/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the machine: the frames are audited once more.
 */
#ifndef DOM_ENDING_H
#define DOM_ENDING_H

/* Once, when the frame table stands: from now on a boot that fails is audited as well. */
void ending_init(void);
/*
 * Stops all other CPUs where nothing is half done and audits; the log says "audit: clean", what differs, or
 * "audit: skipped" and why.  The caller holds no lock, and ends the machine when this returns.  Does not
 * return on a CPU that comes second.
 */
void ending_audit(void);

#endif
