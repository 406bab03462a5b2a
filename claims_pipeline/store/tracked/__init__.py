"""Claims that are followed across uploads: fed by answers, gathered when due, worked by people."""
