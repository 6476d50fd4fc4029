"""Who takes the money: Stripe Checkout, or an attendant at a desk."""
