"""What became of hand-offs, by rule, band and source; and what people said of mails."""
