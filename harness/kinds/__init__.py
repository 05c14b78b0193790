"""Task kinds: each module knows how to prepare, train a head, decode and score."""
