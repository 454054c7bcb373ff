"""Image sets: loading, decoding, class imbalance, positive views and training batches."""
