"""The ledger: one entry for every claim, decided from symbolic, numeric and sampled evidence."""
