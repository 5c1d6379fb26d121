"""What tasks and recordings call the way in which minibatches were drawn."""

WITHOUT_REPLACEMENT = "without-replacement"  # each epoch a permutation: draws are anti-correlated
WITH_REPLACEMENT = "with-replacement"
UNKNOWN = "unknown"
