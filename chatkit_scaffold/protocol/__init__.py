"""A ChatKit client that can read any response, valid or not."""
