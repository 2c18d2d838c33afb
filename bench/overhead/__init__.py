"""What the suite's own code costs, against bare loops, documents' loops and peers."""
