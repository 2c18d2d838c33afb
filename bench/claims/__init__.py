"""The documents' claims, each decided: ledger, trials, probes, checks, judgement, page."""
