"""The three ways to present a session: session cookie, access token, refresh token."""
