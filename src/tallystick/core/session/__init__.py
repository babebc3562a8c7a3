"""The session: its model, the moves it can make, and the rules that decide them."""
