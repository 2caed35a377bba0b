<?php
// A full-page cache as such plugins do it, where WordPress loads it first: a page asked for with ?kept=1 is made once and
// then handed out as it was, for ever, without WordPress.
if ( isset( $_GET['kept'] ) ) {
	$kept = __DIR__ . '/kept-' . md5( $_SERVER['REQUEST_URI'] ) . '.html';
	if ( is_file( $kept ) ) {
		header( 'X-Kept: hit' );
		readfile( $kept );
		exit;
	}
	ob_start(
		function ( $html ) use ( $kept ) {
			if ( 200 === http_response_code() ) {
				file_put_contents( $kept, $html );
			}
			return $html;
		}
	);
}
