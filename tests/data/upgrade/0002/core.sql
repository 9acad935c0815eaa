BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE due (
	id INTEGER NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	subject VARCHAR NOT NULL, 
	run INTEGER NOT NULL, 
	due_at DATETIME NOT NULL, 
	enqueued_for DATETIME, 
	attempts INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id), 
	UNIQUE (onboarding_id, subject)
);
INSERT INTO "due" VALUES(1,1,'step:flow',1,'2026-11-23 09:01:00.000000',NULL,0);
CREATE TABLE effect (
	"key" VARCHAR(255) NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	claimed_at DATETIME NOT NULL, 
	completed_at DATETIME, 
	external_id VARCHAR, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id)
);
INSERT INTO "effect" VALUES('ONB-1:start:board',1,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','parent-0');
INSERT INTO "effect" VALUES('ONB-1:5:board',1,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','report-1');
INSERT INTO "effect" VALUES('ONB-2:start:board',2,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','parent-1');
INSERT INTO "effect" VALUES('ONB-3:start:board',3,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','parent-2');
INSERT INTO "effect" VALUES('ONB-3:5:board',3,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','report-2');
INSERT INTO "effect" VALUES('ONB-3:8:board',3,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','report-3');
INSERT INTO "effect" VALUES('ONB-3:10:board',3,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','report-4');
INSERT INTO "effect" VALUES('ONB-3:12:board',3,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','report-5');
INSERT INTO "effect" VALUES('ONB-3:13:board',3,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','report-6');
INSERT INTO "effect" VALUES('ONB-3:end:board',3,'done','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000','closed');
CREATE TABLE event (
	id INTEGER NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	step VARCHAR, 
	content JSON NOT NULL, 
	previous VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id), 
	UNIQUE (onboarding_id, seq)
);
INSERT INTO "event" VALUES(1,1,1,'2026-11-23 09:00:00.000000','ana','started',NULL,'{"pack": "operadora_x", "partner": "PARTNER-ONE", "client": "ACME Ib\u00e9rica", "root": "ACME-IBERICA", "options": {"ofc": true}, "source": "slack:view:V1:1", "actor": "slack:UANA"}','','9297f5225ac863bbb78d336896b01047d8fcf74ab189e96c9a5a9b8a3b4acb20');
INSERT INTO "event" VALUES(2,1,2,'2026-11-23 09:00:00.000000','ana','step_waiting','portal','{"note": {"fr": "\u00c0 faire : responsable d''activation", "en": "To be done: activation manager", "es": "Por hacer: responsable de activaci\u00f3n"}, "waits_for": "manager", "copy": null, "evidence": {"facts": [], "files": [], "findings": []}, "link": null, "actor": "slack:UANA"}','9297f5225ac863bbb78d336896b01047d8fcf74ab189e96c9a5a9b8a3b4acb20','e654125f3e4901e9a56e20308c068cc5f761f9a6351af554c3fcabc2caa385df');
INSERT INTO "event" VALUES(3,1,3,'2026-11-23 09:00:00.000000','ana','step_started','directory','{"run": 1, "actor": "slack:UANA"}','e654125f3e4901e9a56e20308c068cc5f761f9a6351af554c3fcabc2caa385df','1635354a3c1784aa48e8c3ec451e140a950594eeaa966570e57cf4a3948f2f82');
INSERT INTO "event" VALUES(4,1,4,'2026-11-23 09:00:00.000000','onboarding-bot','surface_opened',NULL,'{"surface": "board", "parent": "parent-0", "link": "https://board.example/parent-0", "actor": "system"}','1635354a3c1784aa48e8c3ec451e140a950594eeaa966570e57cf4a3948f2f82','cca52f6f882a3357b92548bbf2799b824c7368322f137851c5345890d2327e72');
INSERT INTO "event" VALUES(5,1,5,'2026-11-23 09:00:00.000000','onboarding-bot','step_done','directory','{"evidence": {"facts": [{"label": {"fr": "Dossier de d\u00e9p\u00f4t", "en": "Drop folder", "es": "Carpeta de dep\u00f3sito"}, "value": "/in"}], "files": [], "findings": []}, "link": null, "actor": "system"}','cca52f6f882a3357b92548bbf2799b824c7368322f137851c5345890d2327e72','a3d2cce337d844809fdef364b878b04792a16623bce1895babbb80267c4c1df3');
INSERT INTO "event" VALUES(6,1,6,'2026-11-23 09:00:00.000000','onboarding-bot','step_started','flow','{"run": 1, "actor": "system"}','a3d2cce337d844809fdef364b878b04792a16623bce1895babbb80267c4c1df3','8f448db20cedcd8f4c92016fb9948aa96f8ab172c3cbd6d4de9cc1dbe062559e');
INSERT INTO "event" VALUES(7,1,7,'2026-11-23 09:00:00.000000','onboarding-bot','step_waiting','flow','{"note": {"fr": "SFTP ne r\u00e9pond pas (no answer). Le bot r\u00e9essaie tout seul.", "en": "SFTP does not answer (no answer). The bot tries again by itself.", "es": "SFTP no responde (no answer). El bot reintenta solo."}, "waits_for": "data_base", "copy": null, "evidence": {"facts": [], "files": [], "findings": []}, "link": null, "actor": "system"}','8f448db20cedcd8f4c92016fb9948aa96f8ab172c3cbd6d4de9cc1dbe062559e','ada67be27be9b4e2e713e2f7e0a06b92a0810042055d515e00d37e4654d8e016');
INSERT INTO "event" VALUES(8,1,8,'2026-11-23 09:00:00.000000','ana','ticked','portal','{"added": ["logged_in"], "removed": [], "ticked": ["logged_in"], "actor": "slack:UANA"}','ada67be27be9b4e2e713e2f7e0a06b92a0810042055d515e00d37e4654d8e016','ad26f594d9f7ff890cda192a5ec88927a6de3c646109d1c090f71a6a445085d6');
INSERT INTO "event" VALUES(9,2,1,'2026-11-23 09:00:00.000000','ana','started',NULL,'{"pack": "operadora_x", "partner": "PARTNER-ONE", "client": "Beta", "root": "BETA", "options": {"ofc": false}, "source": null, "actor": "slack:UANA"}','','3755e02f817600e0424a6aae33d7108b5e6ed68700d0cb49e1d309ca0013093f');
INSERT INTO "event" VALUES(10,2,2,'2026-11-23 09:00:00.000000','ana','step_waiting','portal','{"note": {"fr": "\u00c0 faire : responsable d''activation", "en": "To be done: activation manager", "es": "Por hacer: responsable de activaci\u00f3n"}, "waits_for": "manager", "copy": null, "evidence": {"facts": [], "files": [], "findings": []}, "link": null, "actor": "slack:UANA"}','3755e02f817600e0424a6aae33d7108b5e6ed68700d0cb49e1d309ca0013093f','0edeb63adc9ba1b9640ece22d28d6fd462f1f1942232f9478db38b0b4748d1bc');
INSERT INTO "event" VALUES(11,2,3,'2026-11-23 09:00:00.000000','ana','step_started','directory','{"run": 1, "actor": "slack:UANA"}','0edeb63adc9ba1b9640ece22d28d6fd462f1f1942232f9478db38b0b4748d1bc','836cd5ceca77ade402cf4c98eaf434ece14b86f5b4907acb414708d2e8422c46');
INSERT INTO "event" VALUES(12,2,4,'2026-11-23 09:00:00.000000','ana','step_not_applicable','flow','{"actor": "slack:UANA"}','836cd5ceca77ade402cf4c98eaf434ece14b86f5b4907acb414708d2e8422c46','2438ebbe9281eabf8f87fc0077d6c43ca485e846b1530d1cca1687f3f2e68b72');
INSERT INTO "event" VALUES(13,2,5,'2026-11-23 09:00:00.000000','onboarding-bot','surface_opened',NULL,'{"surface": "board", "parent": "parent-1", "link": "https://board.example/parent-1", "actor": "system"}','2438ebbe9281eabf8f87fc0077d6c43ca485e846b1530d1cca1687f3f2e68b72','346a8fdc973855adb4123fe6a791d925dc42f86137373392b44ebeecf2fab773');
INSERT INTO "event" VALUES(14,3,1,'2026-11-23 09:00:00.000000','ana','started',NULL,'{"pack": "operadora_x", "partner": "PARTNER-ONE", "client": "Gamma", "root": "GAMMA", "options": {"ofc": false}, "source": null, "actor": "slack:UANA"}','','6f7970f333860a5078849e5a949998acb4382e823c9fe0971cf99ccfe81a6341');
INSERT INTO "event" VALUES(15,3,2,'2026-11-23 09:00:00.000000','ana','step_waiting','portal','{"note": {"fr": "\u00c0 faire : responsable d''activation", "en": "To be done: activation manager", "es": "Por hacer: responsable de activaci\u00f3n"}, "waits_for": "manager", "copy": null, "evidence": {"facts": [], "files": [], "findings": []}, "link": null, "actor": "slack:UANA"}','6f7970f333860a5078849e5a949998acb4382e823c9fe0971cf99ccfe81a6341','2ce8761f6380c2d7a856864b1edf8cd68aff66f143ba6a08ba27db6aba3e8fd7');
INSERT INTO "event" VALUES(16,3,3,'2026-11-23 09:00:00.000000','ana','step_started','directory','{"run": 1, "actor": "slack:UANA"}','2ce8761f6380c2d7a856864b1edf8cd68aff66f143ba6a08ba27db6aba3e8fd7','464ba40dcf4158f162e5b8dd0c01e9c48ebb57fbd16689856c4a5e6886b0adeb');
INSERT INTO "event" VALUES(17,3,4,'2026-11-23 09:00:00.000000','ana','step_not_applicable','flow','{"actor": "slack:UANA"}','464ba40dcf4158f162e5b8dd0c01e9c48ebb57fbd16689856c4a5e6886b0adeb','5cb9aa43eaa472b51e6acca68db26770b2c1d19e0111106e0cf0b5dbe88082a8');
INSERT INTO "event" VALUES(18,3,5,'2026-11-23 09:00:00.000000','onboarding-bot','step_done','directory','{"evidence": {"facts": [], "files": [], "findings": []}, "link": null, "actor": "system"}','5cb9aa43eaa472b51e6acca68db26770b2c1d19e0111106e0cf0b5dbe88082a8','0793d8c021b28cad4403ceaaabc3a0dccdd4bd49ef900cb0008a9bc701264dfc');
INSERT INTO "event" VALUES(19,3,6,'2026-11-23 09:00:00.000000','onboarding-bot','surface_opened',NULL,'{"surface": "board", "parent": "parent-2", "link": "https://board.example/parent-2", "actor": "system"}','0793d8c021b28cad4403ceaaabc3a0dccdd4bd49ef900cb0008a9bc701264dfc','5e652f1a2a2dfd887a30f4110f25aabf354504d5fbba5f179e731fd0d269e3a9');
INSERT INTO "event" VALUES(20,3,7,'2026-11-23 09:00:00.000000','ana','ticked','portal','{"added": ["found", "logged_in"], "removed": [], "ticked": ["found", "logged_in"], "actor": "slack:UANA"}','5e652f1a2a2dfd887a30f4110f25aabf354504d5fbba5f179e731fd0d269e3a9','4028386e334a2c9e1c58007d0cd4e228e4801a91733b4657aaea6a1302c2e0a3');
INSERT INTO "event" VALUES(21,3,8,'2026-11-23 09:00:00.000000','ana','step_done','portal','{"evidence": {"facts": [{"label": {"fr": "Connect\u00e9", "en": "Logged in", "es": "Conectado"}, "value": "ana, 2026-11-23 09:00 UTC"}, {"label": {"fr": "Trouv\u00e9", "en": "Found", "es": "Encontrado"}, "value": "ana, 2026-11-23 09:00 UTC"}], "files": [], "findings": []}, "link": null, "actor": "slack:UANA"}','4028386e334a2c9e1c58007d0cd4e228e4801a91733b4657aaea6a1302c2e0a3','218b4ada85dbb1b463dcd393132d9e39f520c57a4deb784dc33ea88fa2370833');
INSERT INTO "event" VALUES(22,3,9,'2026-11-23 09:00:00.000000','ana','step_waiting','status','{"note": {"fr": "\u00c0 faire : responsable d''activation", "en": "To be done: activation manager", "es": "Por hacer: responsable de activaci\u00f3n"}, "waits_for": "manager", "copy": null, "evidence": {"facts": [], "files": [], "findings": []}, "link": null, "actor": "slack:UANA"}','218b4ada85dbb1b463dcd393132d9e39f520c57a4deb784dc33ea88fa2370833','61e2c032ce3af6f06dde3bebece80ff96c025e5be8d981d11b20148f35f95a93');
INSERT INTO "event" VALUES(23,3,10,'2026-11-23 09:00:00.000000','bob','step_done','status','{"evidence": {"facts": [{"label": {"fr": "Statut", "en": "Status", "es": "Estado"}, "value": "Loaded"}, {"label": {"fr": "Confirm\u00e9 par", "en": "Confirmed by", "es": "Confirmado por"}, "value": "bob"}], "files": [], "findings": []}, "link": null, "actor": "slack:UBOB"}','61e2c032ce3af6f06dde3bebece80ff96c025e5be8d981d11b20148f35f95a93','f0713fc052691ee046e1b4fa86cab923857836a407555e3ab06ad7a07433be7e');
INSERT INTO "event" VALUES(24,3,11,'2026-11-23 09:00:00.000000','bob','step_started','received','{"run": 1, "actor": "slack:UBOB"}','f0713fc052691ee046e1b4fa86cab923857836a407555e3ab06ad7a07433be7e','8190fd9257e2238687d49f52de03704fe9cda604231fff285e16ca42031afced');
INSERT INTO "event" VALUES(25,3,12,'2026-11-23 09:00:00.000000','onboarding-bot','step_done','received','{"evidence": {"facts": [], "files": [], "findings": []}, "link": null, "actor": "system"}','8190fd9257e2238687d49f52de03704fe9cda604231fff285e16ca42031afced','530555cbb8fbe7c3dfc6894dea06276db2ed175445f9bb4cd50f10f59a6505b9');
INSERT INTO "event" VALUES(26,3,13,'2026-11-23 09:00:00.000000','onboarding-bot','closed',NULL,'{"actor": "system"}','530555cbb8fbe7c3dfc6894dea06276db2ed175445f9bb4cd50f10f59a6505b9','5c4d11f3e3493ce8496dd3449fd18358c4e5643c5917d05b9c6bf51d76a2ed47');
CREATE TABLE evidence (
	id INTEGER NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	step_id VARCHAR NOT NULL, 
	seq INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	content JSON NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id)
);
INSERT INTO "evidence" VALUES(1,1,'directory',5,0,'fact','{"label": {"fr": "Dossier de d\u00e9p\u00f4t", "en": "Drop folder", "es": "Carpeta de dep\u00f3sito"}, "value": "/in"}');
INSERT INTO "evidence" VALUES(2,3,'portal',8,0,'fact','{"label": {"fr": "Connect\u00e9", "en": "Logged in", "es": "Conectado"}, "value": "ana, 2026-11-23 09:00 UTC"}');
INSERT INTO "evidence" VALUES(3,3,'portal',8,1,'fact','{"label": {"fr": "Trouv\u00e9", "en": "Found", "es": "Encontrado"}, "value": "ana, 2026-11-23 09:00 UTC"}');
INSERT INTO "evidence" VALUES(4,3,'status',10,0,'fact','{"label": {"fr": "Statut", "en": "Status", "es": "Estado"}, "value": "Loaded"}');
INSERT INTO "evidence" VALUES(5,3,'status',10,1,'fact','{"label": {"fr": "Confirm\u00e9 par", "en": "Confirmed by", "es": "Confirmado por"}, "value": "bob"}');
CREATE TABLE "invoice" (
	id INTEGER NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	operator VARCHAR NOT NULL, 
	root VARCHAR NOT NULL, 
	supplier_tax_id VARCHAR NOT NULL, 
	number VARCHAR NOT NULL, 
	number_key VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	period VARCHAR NOT NULL, 
	period_start DATE NOT NULL, 
	period_end DATE NOT NULL, 
	net VARCHAR NOT NULL, 
	tax VARCHAR NOT NULL, 
	out_of_tax VARCHAR NOT NULL, 
	gross VARCHAR NOT NULL, 
	currency VARCHAR NOT NULL, 
	source_sha256 VARCHAR NOT NULL, 
	lines JSON, 
	superseded_at DATETIME, 
	superseded_by VARCHAR, 
	superseded_reason VARCHAR, 
	superseded_by_sha256 VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id)
);
CREATE TABLE month (
	id INTEGER NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	operator VARCHAR NOT NULL, 
	root VARCHAR NOT NULL, 
	period VARCHAR NOT NULL, 
	gross VARCHAR NOT NULL, 
	lines JSON NOT NULL, 
	accounts JSON NOT NULL, 
	source_sha256 VARCHAR NOT NULL, 
	loaded_on DATE NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id), 
	UNIQUE (operator, root, source_sha256)
);
CREATE TABLE onboarding (
	id INTEGER NOT NULL, 
	pack VARCHAR NOT NULL, 
	pack_version INTEGER NOT NULL, 
	pack_digest VARCHAR NOT NULL, 
	operator VARCHAR NOT NULL, 
	partner VARCHAR NOT NULL, 
	partner_email VARCHAR NOT NULL, 
	client VARCHAR NOT NULL, 
	client_key VARCHAR NOT NULL, 
	root VARCHAR NOT NULL, 
	root_key VARCHAR NOT NULL, 
	tax_ids JSON NOT NULL, 
	options JSON NOT NULL, 
	language VARCHAR NOT NULL, 
	due DATE, 
	state VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	head VARCHAR NOT NULL, 
	started_by VARCHAR NOT NULL, 
	started_at DATETIME NOT NULL, 
	closed_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO "onboarding" VALUES(1,'operadora_x',1,'f25364c0c65ba40f6626584fe44e3bd18adcaa565910265297f44db0044df959','OPERADORA X','PARTNER-ONE','ops@partner.example','ACME Ibérica','acme ibérica','ACME-IBERICA','ACME-IBERICA','["A78923125"]','{"ofc": true}','en',NULL,'open',8,'ad26f594d9f7ff890cda192a5ec88927a6de3c646109d1c090f71a6a445085d6','ana','2026-11-23 09:00:00.000000',NULL);
INSERT INTO "onboarding" VALUES(2,'operadora_x',1,'f25364c0c65ba40f6626584fe44e3bd18adcaa565910265297f44db0044df959','OPERADORA X','PARTNER-ONE','ops@partner.example','Beta','beta','BETA','BETA','["A78923125"]','{"ofc": false}','en',NULL,'open',5,'346a8fdc973855adb4123fe6a791d925dc42f86137373392b44ebeecf2fab773','ana','2026-11-23 09:00:00.000000',NULL);
INSERT INTO "onboarding" VALUES(3,'operadora_x',1,'f25364c0c65ba40f6626584fe44e3bd18adcaa565910265297f44db0044df959','OPERADORA X','PARTNER-ONE','ops@partner.example','Gamma','gamma','GAMMA','GAMMA','["A78923125"]','{"ofc": false}','en',NULL,'done',13,'5c4d11f3e3493ce8496dd3449fd18358c4e5643c5917d05b9c6bf51d76a2ed47','ana','2026-11-23 09:00:00.000000','2026-11-23 09:00:00.000000');
CREATE TABLE received (
	source VARCHAR(512) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (source)
);
INSERT INTO "received" VALUES('slack:view:V1:1','2026-11-23 09:00:00.000000');
INSERT INTO "received" VALUES('slack:action:1','2026-11-23 09:00:00.000000');
CREATE TABLE reference (
	id INTEGER NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	operator VARCHAR NOT NULL, 
	root VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	ref VARCHAR NOT NULL, 
	label VARCHAR NOT NULL, 
	first_seen_invoice VARCHAR NOT NULL, 
	net VARCHAR NOT NULL, 
	assigned_by VARCHAR, 
	assigned_at DATETIME, suggestion VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id), 
	UNIQUE (operator, root, kind, ref)
);
CREATE TABLE source_file (
	id INTEGER NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	arrival VARCHAR NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	size INTEGER NOT NULL, 
	path VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id)
);
CREATE TABLE step (
	id INTEGER NOT NULL, 
	onboarding_id INTEGER NOT NULL, 
	step_id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	run INTEGER NOT NULL, 
	waits_for VARCHAR, 
	note JSON, 
	code VARCHAR, 
	seen JSON, 
	advice JSON, 
	reason VARCHAR, 
	link VARCHAR, 
	memory JSON NOT NULL, 
	due_on DATE, 
	changed_at DATETIME, 
	changed_by VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id), 
	UNIQUE (onboarding_id, step_id)
);
INSERT INTO "step" VALUES(1,1,'portal',0,'confirm','manager','waiting',1,'manager','{"fr": "\u00c0 faire : responsable d''activation", "en": "To be done: activation manager", "es": "Por hacer: responsable de activaci\u00f3n"}',NULL,'null','null',NULL,NULL,'{"ticks": {"logged_in": {"by": "ana", "at": "2026-11-23T09:00:00+00:00"}}}',NULL,'2026-11-23 09:00:00.000000','ana');
INSERT INTO "step" VALUES(2,1,'directory',1,'directory','manager','done',1,NULL,'null',NULL,'null','null',NULL,NULL,'{}','2026-11-25','2026-11-23 09:00:00.000000','onboarding-bot');
INSERT INTO "step" VALUES(3,1,'flow',2,'directory','manager','waiting',1,'data_base','{"fr": "SFTP ne r\u00e9pond pas (no answer). Le bot r\u00e9essaie tout seul.", "en": "SFTP does not answer (no answer). The bot tries again by itself.", "es": "SFTP no responde (no answer). El bot reintenta solo."}',NULL,'null','null',NULL,NULL,'{}',NULL,'2026-11-23 09:00:00.000000','onboarding-bot');
INSERT INTO "step" VALUES(4,1,'status',3,'confirm','manager','pending',0,NULL,'null',NULL,'null','null',NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "step" VALUES(5,1,'received',4,'ask','partner','pending',0,NULL,'null',NULL,'null','null',NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "step" VALUES(6,2,'portal',0,'confirm','manager','waiting',1,'manager','{"fr": "\u00c0 faire : responsable d''activation", "en": "To be done: activation manager", "es": "Por hacer: responsable de activaci\u00f3n"}',NULL,'null','null',NULL,NULL,'{}',NULL,'2026-11-23 09:00:00.000000','ana');
INSERT INTO "step" VALUES(7,2,'directory',1,'directory','manager','running',1,NULL,'null',NULL,'null','null',NULL,NULL,'{}','2026-11-25','2026-11-23 09:00:00.000000','ana');
INSERT INTO "step" VALUES(8,2,'flow',2,'directory','manager','not_applicable',0,NULL,'null',NULL,'null','null',NULL,NULL,'{}',NULL,'2026-11-23 09:00:00.000000','ana');
INSERT INTO "step" VALUES(9,2,'status',3,'confirm','manager','pending',0,NULL,'null',NULL,'null','null',NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "step" VALUES(10,2,'received',4,'ask','partner','pending',0,NULL,'null',NULL,'null','null',NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "step" VALUES(11,3,'portal',0,'confirm','manager','done',1,NULL,'null',NULL,'null','null',NULL,NULL,'{"ticks": {"found": {"by": "ana", "at": "2026-11-23T09:00:00+00:00"}, "logged_in": {"by": "ana", "at": "2026-11-23T09:00:00+00:00"}}}',NULL,'2026-11-23 09:00:00.000000','ana');
INSERT INTO "step" VALUES(12,3,'directory',1,'directory','manager','done',1,NULL,'null',NULL,'null','null',NULL,NULL,'{}','2026-11-25','2026-11-23 09:00:00.000000','onboarding-bot');
INSERT INTO "step" VALUES(13,3,'flow',2,'directory','manager','not_applicable',0,NULL,'null',NULL,'null','null',NULL,NULL,'{}',NULL,'2026-11-23 09:00:00.000000','ana');
INSERT INTO "step" VALUES(14,3,'status',3,'confirm','manager','done',1,NULL,'null',NULL,'null','null',NULL,NULL,'{}',NULL,'2026-11-23 09:00:00.000000','bob');
INSERT INTO "step" VALUES(15,3,'received',4,'ask','partner','done',1,NULL,'null',NULL,'null','null',NULL,NULL,'{}',NULL,'2026-11-23 09:00:00.000000','onboarding-bot');
CREATE TABLE surface (
	onboarding_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	parent VARCHAR, 
	parent_link VARCHAR, 
	reported INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	digest VARCHAR NOT NULL, 
	trouble VARCHAR, 
	PRIMARY KEY (onboarding_id, name), 
	FOREIGN KEY(onboarding_id) REFERENCES onboarding (id)
);
INSERT INTO "surface" VALUES(1,'board','parent-0','https://board.example/parent-0',5,8,'8089ed1e7d329e03b7c041f134ecc166e70632ff9812292bd14b395ba40693a2',NULL);
INSERT INTO "surface" VALUES(2,'board','parent-1','https://board.example/parent-1',0,5,'91b6c4fdff68e3be62ab8c8486f4f865f8e246b0d79d7322b0c1f6578768df40',NULL);
INSERT INTO "surface" VALUES(3,'board','parent-2','https://board.example/parent-2',13,13,'f7ce710c32078fcad39192fd7aaf9180d274c232da89cea0f39cbbf008d72d38',NULL);
CREATE INDEX ix_onboarding_pack ON onboarding (pack);
CREATE INDEX ix_onboarding_partner ON onboarding (partner);
CREATE INDEX ix_onboarding_state ON onboarding (state);
CREATE UNIQUE INDEX one_open_per_client ON onboarding (pack, partner, client_key) WHERE state = 'open';
CREATE UNIQUE INDEX one_open_per_root ON onboarding (pack, partner, root_key) WHERE state = 'open';
CREATE INDEX ix_due_due_at ON due (due_at);
CREATE INDEX ix_due_onboarding_id ON due (onboarding_id);
CREATE INDEX ix_effect_onboarding_id ON effect (onboarding_id);
CREATE INDEX ix_event_onboarding_id ON event (onboarding_id);
CREATE INDEX ix_evidence_onboarding_id ON evidence (onboarding_id);
CREATE INDEX ix_month_onboarding_id ON month (onboarding_id);
CREATE INDEX ix_month_root ON month (root);
CREATE INDEX ix_reference_onboarding_id ON reference (onboarding_id);
CREATE INDEX ix_reference_root ON reference (root);
CREATE INDEX ix_source_file_onboarding_id ON source_file (onboarding_id);
CREATE INDEX source_file_sha256 ON source_file (sha256);
CREATE INDEX ix_step_onboarding_id ON step (onboarding_id);
CREATE INDEX ix_step_state ON step (state);
CREATE INDEX ix_invoice_root ON invoice (root);
CREATE INDEX ix_invoice_onboarding_id ON invoice (onboarding_id);
CREATE UNIQUE INDEX one_current_invoice ON invoice (operator, supplier_tax_id, number_key) WHERE superseded_at IS NULL;
COMMIT;
