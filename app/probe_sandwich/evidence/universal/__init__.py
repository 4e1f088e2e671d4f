"""The universal meta-classifier: trained on zoos of many tasks, judged on what was left out of the training."""
