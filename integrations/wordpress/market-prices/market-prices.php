<?php
/**
 * Plugin Name: Market Prices
 * Description: The prices of your own ticker, printed by WordPress itself: [market_prices kind="list" coins="bitcoin,monero"].
 * Version: 0.1.0
 * Requires at least: 5.9
 * Requires PHP: 7.4
 * License: MIT
 *
 * Asks the ticker for a widget every FRESH seconds at most, in one visitor's request at a time, and keeps its last good
 * answer for a day: each says of when it is. Knows no coin, currency or locale; the ticker checks those.
 */

namespace MarketPrices;

defined( 'ABSPATH' ) || exit;

const FRESH    = 15;      // seconds before the ticker is asked again, whether it answered or not
const KEPT     = 86400;   // seconds for which its last good answer stands in
const PATIENCE = 2;       // seconds that a visitor may have to wait for it
const LARGEST  = 131072;  // bytes; 30 rows of every column are half of it
const NAMES    = array(
	'kind', 'coin', 'coins', 'currency', 'locale', 'theme', 'change', 'show', 'limit', 'title', 'css', 'on', 'look',
	'density', 'up', 'sort', 'page', 'range', 'zeros',
);

/** The ticker's address without a last slash: the constant TICKER_URL, else the setting; '' where that is no address. */
function address() {
	return cleaned( defined( 'TICKER_URL' ) ? TICKER_URL : get_option( 'market_prices_url' ) );
}

function cleaned( $url ) {
	$url = is_string( $url ) ? rtrim( trim( $url ), '/' ) : '';
	return preg_match( '~^https?://[a-z0-9.:\[\]-]+(/[\w./-]*)?$~iD', $url ) ? $url : '';
}

/** What there is of a URL: `html`, '' where none was had for a day, and what went `wrong` when last `asked`. */
function fetched( $url ) {
	global $wpdb;
	$key  = 'market_prices_' . md5( $url );
	$copy = get_transient( $key ) ?: array( 'html' => '', 'good' => 0, 'asked' => 0, 'wrong' => '' );
	if ( time() - $copy['asked'] < FRESH ) {
		return $copy;
	}
	// The database's own lock dies with whoever holds it. Without one (SQLite says null), and the first time, all ask.
	$lock = md5( DB_NAME . $wpdb->prefix . $url );
	if ( $copy['asked'] && '0' === $wpdb->get_var( $wpdb->prepare( 'SELECT GET_LOCK(%s, 0)', $lock ) ) ) {
		return $copy;
	}
	$answer = wp_remote_get( $url, array( 'timeout' => PATIENCE, 'redirection' => 0, 'limit_response_size' => LARGEST + 1 ) );
	$status = wp_remote_retrieve_response_code( $answer );
	$html   = wp_remote_retrieve_body( $answer );
	if ( 200 === $status && strlen( $html ) <= LARGEST && strpos( $html, 'class="mp"' ) ) { // not some other page
		$copy = array( 'html' => $html, 'good' => time(), 'wrong' => '' );
	} else {
		$copy['wrong'] = is_wp_error( $answer ) ? $answer->get_error_message() : $status . ' ' . wp_html_excerpt( $html, 200 );
	}
	$copy['asked'] = time();
	$copy['html']  = time() - $copy['good'] < KEPT ? $copy['html'] : '';
	set_transient( $key, $copy, KEPT );
	$wpdb->get_var( $wpdb->prepare( 'SELECT RELEASE_LOCK(%s)', $lock ) );
	return $copy;
}

/** [market_prices]: the ticker's own parameters, and live="on" for numbers that move. */
function shortcode( $given ) {
	$given = array_filter( shortcode_atts( array_fill_keys( array_merge( NAMES, array( 'live' ) ), null ), $given ), 'is_string' );
	foreach ( $given as $name => $value ) {
		$given[ $name ] = 'title' === $name ? sanitize_text_field( $value ) : preg_replace( '/\s/', '', $value );
		if ( 'title' !== $name && ! preg_match( '/^[A-Za-z0-9_,-]{1,2000}$/D', $given[ $name ] ) ) {
			return nothing( "$name cannot be that" );
		}
	}
	$live  = in_array( $given['live'] ?? '', array( 'on', 'yes', 'true', '1' ), true ) && ! is_feed();
	$place = rtrim( ( $given['kind'] ?? 'list' ) . '/' . ( $given['coin'] ?? '' ), '/' );
	$query = array_diff_key( $given, array( 'kind' => 0, 'coin' => 0, 'live' => 0 ) );
	$query = is_feed() ? array( 'css' => 'none' ) + $query : $query;
	$found = fetched( address() . "/widget/$place?" . http_build_query( $query, '', '&', PHP_QUERY_RFC3986 ) );
	if ( '' === $found['html'] || ! $live ) {
		return $found['html'] ?: nothing( $found['wrong'] );
	}
	wp_enqueue_script( 'market-prices', address() . '/embed.js', array(), null, true );
	$attributes = '';
	foreach ( array_diff_key( $given, array( 'live' => 0 ) ) as $name => $value ) {
		$attributes .= sprintf( ' %s="%s"', $name, esc_attr( $value ) );
	}
	return "<market-prices$attributes>{$found['html']}</market-prices>";
}

/** Visitors see a dash; who may write here is told why. */
function nothing( $why ) {
	return '<p class="mp mp-error">' . ( current_user_can( 'edit_posts' ) ? esc_html( "Market prices: $why" ) : '—' ) . '</p>';
}

/** A pasted address of an /embed/ page becomes that page in a frame. */
function describe() {
	if ( address() ) {
		wp_oembed_add_provider( '#^' . preg_quote( address(), '#' ) . '/embed/.+#', address() . '/oembed', true );
	}
}

/** WordPress asks no private host and no port but 80, 443 and 8080 for a pasted address; the ticker it may. */
function known( $url ) {
	return address() && 0 === strpos( $url, address() . '/oembed?' );
}

function settings() {
	register_setting( 'general', 'market_prices_url', array( 'sanitize_callback' => __NAMESPACE__ . '\cleaned' ) );
	add_settings_field( 'market_prices_url', 'Address of the ticker', __NAMESPACE__ . '\field', 'general', 'default', array( 'label_for' => 'market_prices_url' ) );
}

function field() {
	printf(
		'<input type="url" class="regular-text code" id="market_prices_url" name="market_prices_url" value="%s"%s>',
		esc_attr( address() ),
		defined( 'TICKER_URL' ) ? ' readonly' : ''
	);
}

add_shortcode( 'market_prices', __NAMESPACE__ . '\shortcode' );
add_action( 'init', __NAMESPACE__ . '\describe' );
add_action( 'admin_init', __NAMESPACE__ . '\settings' );
add_filter( 'http_request_host_is_external', fn( $is, $host, $url ) => $is || known( $url ), 10, 3 );
add_filter( 'http_allowed_safe_ports', fn( $ports, $host, $url ) => known( $url ) ? array( ...$ports, wp_parse_url( $url, PHP_URL_PORT ) ) : $ports, 10, 3 );
