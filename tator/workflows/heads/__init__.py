"""Class heads: small classifiers on an encoder's vectors, trained on accepted boxes."""
