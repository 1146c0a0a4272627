"""Where gateways run: one in this process, or several beside it on one port, kept alive by their parent."""
