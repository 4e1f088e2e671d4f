"""Running the experiment: the sandwich, what is compared with it, and the folds that all of them share."""
