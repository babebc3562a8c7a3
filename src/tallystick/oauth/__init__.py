"""The provider's rules; pure."""
