"""The parts that every action shares: its data, its running context, its progress and its edit."""
