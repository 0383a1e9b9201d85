"""What models are good for: small objects and functions over them."""

__all__ = []
