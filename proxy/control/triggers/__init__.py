"""Others that shift traffic or raise alarms: what they ask, what they say, and how they are told. One a file."""
