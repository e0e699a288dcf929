"""The server over HTTP: one for a team, with identities, limits, and both protocol eras at one address."""
