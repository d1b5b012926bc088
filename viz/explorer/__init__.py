"""The page on which one clicks a weight and follows its paths."""
