"""What a leg may be sent to, and what it may spend: servers and their health, budgets, back-pressure, breakers."""
