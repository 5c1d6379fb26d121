"""From a training loop to a recording, without touching the training: hooks, protocols, replicas, the store."""
