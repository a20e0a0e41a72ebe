"""``serve``: the site as it is while it is written, shown in the browser and updated with each save."""
