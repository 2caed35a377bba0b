<?php
// What a person does once in a browser: install, add an author, switch the plugin on.
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';
add_filter( 'pre_wp_mail', '__return_true' );
wp_install( 'Daily Coin', 'admin', 'admin@example.org', false, '', 'correct horse battery staple' );
wp_insert_user(
	array(
		'user_login' => 'author',
		'user_pass'  => 'correct horse battery staple',
		'user_email' => 'author@example.org',
		'role'       => 'author',
	)
);
return activate_plugin( 'market-prices/market-prices.php' );
