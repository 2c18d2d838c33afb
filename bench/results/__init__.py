"""What ran: records read back as runs, speeds, families of comparisons and learning rates."""
