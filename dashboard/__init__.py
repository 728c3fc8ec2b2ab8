"""What people look at: words, pictures and pages over answers that the model has already given."""
