"""What is unusual, in plain statistics that an operator can follow with pencil and paper. Pure: the clock is an argument."""
