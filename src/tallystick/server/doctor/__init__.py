"""The doctor: finds the mistakes of a set-up. Facts are gathered thinly, judged purely, and each finding has its fix."""
