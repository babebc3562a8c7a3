"""The idea, without any I/O, clock or randomness.

1. A session is the only thing that authenticates anybody; it lives at the authority.
2. A credential is a way to present a session. There are three kinds, side by side: session cookie, refresh token, access token.
3. Every ending goes into one log, in the commit that makes it true.
4. The authority alone writes the log; a verifier only follows it. The authority checks its own routes with a verifier.
5. A handler always receives the session, whichever credential arrived, in the app or in another service.
"""
