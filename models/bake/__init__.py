"""One photo to an avatar: landmarks, the fitted head, layers."""
