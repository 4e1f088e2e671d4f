"""P(generalizer) while a model is trained: for a loop of one's own, Hugging Face's `Trainer`, and Lightning."""
