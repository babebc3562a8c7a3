"""The servers and libraries that tallystick is measured against, set up as their documentation advises."""
