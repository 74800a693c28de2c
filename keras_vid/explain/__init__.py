"""What a network costs and what it sees: multiply-adds, feature maps, figures."""
