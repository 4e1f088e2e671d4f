"""Probe Sandwich: which satisfiability Transformers generalize to longer formulas?"""

import os

# Before torch is loaded: its threads must not spin while they wait for one another. Beside other busy processes that
# makes an answer six times slower; on an idle machine waiting costs a sixth. OMP_WAIT_POLICY=ACTIVE takes it back.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
