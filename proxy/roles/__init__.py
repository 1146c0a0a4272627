"""What one process may be: a gateway or the control of a deployment whose parts are apart; `proxy.run` is both."""
