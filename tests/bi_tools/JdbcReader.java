import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.OffsetDateTime;
import java.util.Properties;

/** What a Java tool does with the schema bi; prints a line for each fact, which the test compares. */
public class JdbcReader {
    public static void main(String[] arguments) throws SQLException {
        try (Connection connection = connect(arguments[0], arguments[1], arguments[2])) {
            printSchemas(connection);
            printTables(connection);
            printColumns(connection, "readings_1h");
            printFetchedInBatches(connection);
            printTimes(connection);
            printRefusal(connection);
        }
    }

    private static Connection connect(String url, String user, String password) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        properties.setProperty("readOnly", "true");
        properties.setProperty("hideUnprivilegedObjects", "true");
        return DriverManager.getConnection(url, properties);
    }

    private static void printSchemas(Connection connection) throws SQLException {
        try (ResultSet schemas = connection.getMetaData().getSchemas()) {
            while (schemas.next()) {
                System.out.println("schema " + schemas.getString("TABLE_SCHEM"));
            }
        }
    }

    private static void printTables(Connection connection) throws SQLException {
        String[] views = {"VIEW", "TABLE", "MATERIALIZED VIEW"};
        try (ResultSet tables = connection.getMetaData().getTables(null, null, "%", views)) {
            while (tables.next()) {
                System.out.println("table " + tables.getString("TABLE_SCHEM") + "." + tables.getString("TABLE_NAME")
                    + " " + (tables.getString("REMARKS") != null));
            }
        }
    }

    private static void printColumns(Connection connection, String view) throws SQLException {
        try (ResultSet columns = connection.getMetaData().getColumns(null, "bi", view, "%")) {
            while (columns.next()) {
                System.out.println("column " + columns.getString("COLUMN_NAME") + " " + columns.getString("TYPE_NAME")
                    + " " + (columns.getString("REMARKS") != null));
            }
        }
    }

    /** The driver fetches in batches only outside of autocommit, by a cursor of the server. */
    private static void printFetchedInBatches(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        long rows = 0;
        double sum = 0;
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(500);
            try (ResultSet readings = statement.executeQuery("SELECT value FROM readings")) {
                while (readings.next()) {
                    rows++;
                    sum += readings.getDouble(1);
                }
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
        System.out.println("fetched " + rows + " " + sum);
    }

    /** The same moment, whatever zone this program runs in. */
    private static void printTimes(Connection connection) throws SQLException {
        String latest = "SELECT max(time) FROM readings WHERE time > ?";
        try (PreparedStatement statement = connection.prepareStatement(latest)) {
            statement.setObject(1, OffsetDateTime.now().minusDays(2));
            try (ResultSet times = statement.executeQuery()) {
                times.next();
                Timestamp timestamp = times.getTimestamp(1);
                OffsetDateTime moment = times.getObject(1, OffsetDateTime.class);
                System.out.println("latest " + timestamp.toInstant() + " " + moment.toInstant());
            }
        }
    }

    private static void printRefusal(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT * FROM public.readings");
        } catch (SQLException error) {
            System.out.println("refused " + error.getSQLState());
        }
    }
}
