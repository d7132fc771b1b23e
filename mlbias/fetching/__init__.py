"""From the site that publishes data sets to folders of them."""
