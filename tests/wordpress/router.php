<?php
// What a web server's rewriting does, for PHP's own server: a path that is no file goes to WordPress, even with a dot in it.
if ( file_exists( $_SERVER['DOCUMENT_ROOT'] . parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) ) ) {
	return false;
}
$_SERVER['SCRIPT_NAME'] = '/index.php';
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
