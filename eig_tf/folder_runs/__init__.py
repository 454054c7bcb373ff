"""From a folder of images to a report: a plan for the time there is, and its stages."""
