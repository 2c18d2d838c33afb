"""The reports as a website that opens from disk: pages, a leaderboard and a chart."""
