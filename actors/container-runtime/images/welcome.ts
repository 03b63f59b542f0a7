/** What the web server shows where nobody has put anything else. */
export const WELCOME: string =
  "<!DOCTYPE html>\n<html>\n<head><title>Welcome to nginx!</title></head>\n<body>\n<h1>Welcome to nginx!</h1>\n" +
  "<p>inkube's small web server stands in for the image. Mount a volume at /usr/share/nginx/html to serve your own files.</p>\n" +
  "</body>\n</html>\n";
