"""One file an assumption, whose functions decide it under each protocol, and the statistics that they share."""
