"""Pictures of a simulated substation: one page that opens in any browser, without a network."""
