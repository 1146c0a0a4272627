"""Control: folds what the workers say of each pair, and answers people and monitoring on the admin port."""
