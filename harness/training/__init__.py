"""Fine-tuning on the source language."""
