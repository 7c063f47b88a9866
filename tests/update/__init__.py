"""Updates: the merge of a new render into the project of a user."""
