"""What a trained model is used for: predictions, new users and items, tables of biases."""
